"""What is run by hand or by `dev.py check --mutants`: mutation testing, the OpenAPI file."""
