"""What operators ask: of agents and their types, budgets, limits, runners, tools."""
