"""The contract in marshmallow: the shape of every body, query and answer. Shapes only; nothing here asks the database."""
