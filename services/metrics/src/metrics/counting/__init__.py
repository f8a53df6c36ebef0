"""From records to rows and sums, once; and what is told and kept of them."""
