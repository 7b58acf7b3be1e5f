-- What admins have laid down about plugins, and which inputs of removed versions are secret.
CREATE TABLE plugin_policies (
    code TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL
);
