"""What operators ask about agents and agent types."""
