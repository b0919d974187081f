-- Users of outlets are records; here are the kinds of their entries.
INSERT INTO code (domain, number, name) VALUES
    ('entry', 80, 'user.created'),
    ('entry', 81, 'user.pin_attempted'),
    ('entry', 82, 'user.pin_verified'),
    ('entry', 83, 'user.pin_changed'),
    ('entry', 84, 'user.pin_reset_requested'),
    ('entry', 85, 'user.pin_reset'),
    ('entry', 86, 'user.pin_reset_refused'),
    ('entry', 87, 'user.device_changed');
