"""JSON Schema (2020-12) of a desk's files, for editors: from the reader's own tables, with the desk's own names when there is a desk."""
