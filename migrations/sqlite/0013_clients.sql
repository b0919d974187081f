-- What may be done with the API, as the log keeps it.
INSERT INTO code (domain, number, name) VALUES ('record', 30, 'client');
