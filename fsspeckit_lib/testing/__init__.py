"""Test servers and stand-ins, shipped for third parties."""
