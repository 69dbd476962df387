// What the event log would otherwise have to count. A head is written with every commit, so that
// `bytes` (headers and bodies) and `sequence` are right after a crash; `latest_ms` is the latest time
// of a message so far.
//
// The clock may step back: `late_ms` is then the latest time before the row, and NULL for all others.
// Rows without it have their times in the order of their sequences, and rows with it have `late_ms`
// in that order; so each search by time is one step into an index. Late rows that have expired are
// looked for among the late ones, which are few.
export const createEventSizes = `ALTER TABLE event ADD COLUMN late_ms INTEGER;
   UPDATE event SET late_ms = latest.ms FROM (
     SELECT id, max(enqueued_ms) OVER (PARTITION BY stream, partition ORDER BY sequence) AS ms
     FROM event
   ) AS latest WHERE latest.id = event.id AND latest.ms > event.enqueued_ms;

   DROP INDEX event_enqueued;
   CREATE INDEX event_time ON event (stream, partition, enqueued_ms) WHERE late_ms IS NULL;
   CREATE INDEX event_late ON event (stream, partition, late_ms) WHERE late_ms IS NOT NULL;

   ALTER TABLE event_head ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE event_head ADD COLUMN latest_ms INTEGER NOT NULL DEFAULT 0;
   UPDATE event_head SET
     sequence = max(event_head.sequence, found.sequence),
     bytes = found.bytes,
     latest_ms = found.latest_ms
   FROM (
     SELECT stream, partition, max(sequence) AS sequence, max(enqueued_ms) AS latest_ms,
       sum(octet_length(headers) + octet_length(body)) AS bytes
     FROM event GROUP BY stream, partition
   ) AS found WHERE found.stream = event_head.stream AND found.partition = event_head.partition`
