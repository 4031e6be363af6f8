CREATE OR REPLACE FUNCTION shop_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'append-only: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;

CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION shop_append_only();

CREATE OR REPLACE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION shop_append_only();

ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only;

ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
