-- After a restore from a backup nothing is sold until the books agree with the outside: one record of the operator.
INSERT INTO code (domain, number, name) VALUES ('record', 160, 'recovery');
