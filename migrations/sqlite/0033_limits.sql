-- Dated limits are records of their reseller. What they count of a month or of a terminal is summed up from the
-- operations when a poster first needs it, and kept in its memory: no recharge writes a row more.
INSERT INTO code (domain, number, name) VALUES ('record', 50, 'limits');
