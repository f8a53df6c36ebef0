"""Who may have a plaintext, for how long, and what an agent depends on."""
