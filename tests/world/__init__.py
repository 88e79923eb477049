"""What tests live in: servers, programs, clients, receivers, and the audit that follows every test."""
