CREATE TRIGGER IF NOT EXISTS orchestrator_task_transition BEFORE UPDATE OF status ON orchestrator_taskstate
WHEN (OLD.status || '>' || NEW.status) NOT IN (
        'pending>in_progress', 'in_progress>completed', 'in_progress>failed', 'in_progress>pending', 'failed>pending'
    ) AND OLD.status <> NEW.status OR OLD.status = 'completed'
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: a task can''t change its state like that'); END;
