"""What provider errors mean (PRODUCT: S10)."""
