"""Shared layouts: how frames of several protocols are laid out. No protocol, no flow."""
