CREATE OR REPLACE FUNCTION shop_task_transition() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'task %: % can''t become %', OLD.task_id, OLD.status, NEW.status USING ERRCODE = 'check_violation'; END $$;

CREATE OR REPLACE TRIGGER orchestrator_task_transition BEFORE UPDATE OF status ON orchestrator_taskstate
FOR EACH ROW WHEN (
    (OLD.status, NEW.status) NOT IN (
        ('pending', 'in_progress'), ('in_progress', 'completed'), ('in_progress', 'failed'),
        ('in_progress', 'pending'), ('failed', 'pending')
    ) AND OLD.status <> NEW.status OR OLD.status = 'completed'
) EXECUTE FUNCTION shop_task_transition();

ALTER TABLE orchestrator_taskstate ENABLE ALWAYS TRIGGER orchestrator_task_transition;
