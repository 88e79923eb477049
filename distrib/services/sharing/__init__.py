"""Invite links, posters and QR codes. Begin with ``invitations``."""
