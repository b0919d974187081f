-- Refunds are listed by their top-up, and what is kept of an acquirer's notifications by the acquirer.
ALTER TABLE topup_state ADD COLUMN topup uuid;
UPDATE topup_state SET topup = (content::json ->> 'topup')::uuid WHERE content LIKE '{"topup":%';
CREATE INDEX topup_state_topup ON topup_state (shard, topup, id) WHERE topup IS NOT NULL;
CREATE INDEX acquirer_notification_kept_of ON acquirer_notification (acquirer, received_at, key)
    WHERE outcome NOT IN ('applied', 'no_change');
