"""What provider errors mean."""
