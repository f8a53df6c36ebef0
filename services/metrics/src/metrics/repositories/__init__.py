"""All SQL of this service, table by table."""
