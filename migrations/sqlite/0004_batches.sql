-- Nothing to do here: posters send their rows as JSON.
SELECT 1;
