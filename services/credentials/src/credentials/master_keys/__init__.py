"""What wraps data keys: a key file, or a key in AWS KMS."""
