-- Lets a client act for a subtree.
-- Parameters: client, root. Rows: none.
INSERT INTO client_root (client, reseller) VALUES (?1, ?2)
