"""The PostgreSQL wire protocol, version 3: messages and framing, without I/O."""
