"""ServiceNow: the Table API, for incidents and other task records."""
