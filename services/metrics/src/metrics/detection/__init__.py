"""What is unusual: pure judgements on what was counted."""
