"""From judgements to alerts: opened once, resolved by themselves, told."""
