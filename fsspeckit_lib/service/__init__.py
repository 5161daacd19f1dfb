"""What a daemon needs: settings, logging, systemd."""
