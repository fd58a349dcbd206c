-- Integers are ids, sizes in bytes, or times in microseconds since 1970.

-- One row. The ids given last, so that none is ever given twice, and what
-- retention counts.
CREATE TABLE state (
	id             integer PRIMARY KEY CHECK (id = 1),
	delivery       integer NOT NULL,
	event          integer NOT NULL, -- arrivals and attempts share one sequence: the order of all news
	kept           integer NOT NULL, -- deliveries that are not rejected
	kept_bytes     integer NOT NULL, -- their weight, and that of every attempt
	rejected       integer NOT NULL,
	rejected_bytes integer NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0, 0, 0, 0, 0, 0);

-- A row is written once, except that a rejected delivery may be accepted
-- later. The body is last, so that no filter has to read past it.
CREATE TABLE deliveries (
	id         integer PRIMARY KEY,
	arrival_id integer NOT NULL, -- the first
	received   integer NOT NULL, -- its time
	weight     integer NOT NULL, -- bytes, for retention
	body_size  integer NOT NULL,
	verdict    text NOT NULL,
	endpoint   text NOT NULL,
	scope      text NOT NULL,
	action     text NOT NULL,
	repo_type  text NOT NULL,
	repo       text NOT NULL,
	webhook_id text NOT NULL,
	method     text NOT NULL,
	path       text NOT NULL,
	query      text NOT NULL,
	host       text NOT NULL,
	reason     text NOT NULL,
	summary    text NOT NULL,
	header     blob,
	body       blob
) STRICT;
-- In buckets of 1,024 deliveries, so that new ones touch few pages however many
-- repos there are. A reader asks for one bucket after the other.
CREATE INDEX deliveries_repo ON deliveries (id >> 10, repo COLLATE NOCASE, id, scope);
CREATE INDEX deliveries_rejected ON deliveries (id) WHERE verdict = 'rejected';

-- A delivery's first arrival is found by deliveries.arrival_id, so only the
-- repeats need an index. The key is a hash of Webhook-Id, body and whether it
-- was let in, null on repeats and without a Webhook-Id. It has no index either:
-- who appends holds all keys in memory, since pages of an index on hashes would
-- be most of what is written.
CREATE TABLE arrivals (
	id          integer PRIMARY KEY,
	delivery_id integer NOT NULL,
	key         integer,
	time        integer NOT NULL,
	answer      integer NOT NULL,
	repeat      text NOT NULL,
	remote      text NOT NULL
) STRICT;
CREATE INDEX arrivals_repeat ON arrivals (delivery_id) WHERE repeat <> '';

CREATE TABLE targets (
	id   integer PRIMARY KEY,
	name text NOT NULL UNIQUE
) STRICT;

CREATE TABLE attempts (
	id          integer PRIMARY KEY,
	delivery_id integer NOT NULL,
	target_id   integer NOT NULL,
	arrival_id  integer NOT NULL,
	started     integer NOT NULL,
	duration    integer NOT NULL, -- nanoseconds
	status      integer NOT NULL,
	body_cut    integer NOT NULL,
	kind        text NOT NULL,
	failure     text NOT NULL,
	error       text NOT NULL,
	header      blob,
	body        blob
) STRICT;
CREATE INDEX attempts_delivery ON attempts (delivery_id);

-- What is still to be sent, and the newest arrival it is to be sent for.
CREATE TABLE queue (
	target_id   integer NOT NULL,
	delivery_id integer NOT NULL,
	arrival_id  integer NOT NULL,
	PRIMARY KEY (target_id, delivery_id)
) STRICT, WITHOUT ROWID;
