"""What every call goes through: key, role, transaction, place in the documentation. Begin with ``operations``."""
