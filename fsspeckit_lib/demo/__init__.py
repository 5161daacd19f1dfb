"""The demonstration: `fsspeckit demo`."""
