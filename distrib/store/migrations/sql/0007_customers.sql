-- Customers, bindings (锁客) and admission.
ALTER TABLE programs
    ADD COLUMN binding_rule text NOT NULL DEFAULT 'first' CHECK (binding_rule IN ('first', 'last', 'protected')),
    ADD COLUMN protect_days integer CHECK (protect_days BETWEEN 0 AND 3650),
    ADD COLUMN expire_days integer CHECK (expire_days BETWEEN 1 AND 3650);
