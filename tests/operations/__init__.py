"""What people do with the template and with a project: make it, set it up, develop, deploy."""
