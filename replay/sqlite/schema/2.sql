-- The exit code of a command. When a delivery was edited before it was sent,
-- what was sent.
ALTER TABLE attempts ADD COLUMN exit integer;
ALTER TABLE attempts ADD COLUMN edited integer NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN sent_header blob;
ALTER TABLE attempts ADD COLUMN sent_body blob;
