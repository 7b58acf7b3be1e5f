"""The store in an SQL database: one writer, several readers, SQL by hand."""
