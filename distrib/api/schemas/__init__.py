"""The contract in marshmallow: the shape of every body, query and answer. Nothing that asks the database may enter."""
