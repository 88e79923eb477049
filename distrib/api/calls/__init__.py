"""What every call goes through: key, role, transaction, and its place in the documentation. Begin with ``operations``."""
