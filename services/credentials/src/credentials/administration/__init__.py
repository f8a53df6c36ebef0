"""What an operator does to the installation's secrets as a whole."""
