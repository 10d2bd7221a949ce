-- The public directory, found in by any text and counted, however many rooms it lists.

-- Every three characters that follow one another in the beginning of a listed room's `about`, as one number: see
-- eventlog/listing.py, which must cut alike.
CREATE TABLE listed_grams (
    gram BIGINT NOT NULL,
    room_no BIGINT NOT NULL,
    PRIMARY KEY (gram, room_no)
){clustered};

CREATE TABLE listed_rooms (
    one {key},                         -- 1: there is one row
    rooms BIGINT NOT NULL
);

INSERT INTO listed_rooms (one, rooms) SELECT 1, count(*) FROM rooms WHERE listed = 1;
INSERT INTO listed_grams (gram, room_no)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
SELECT DISTINCT CAST({code}(substr(about, i, 1)) AS BIGINT) * 4398046511104
    + CASE WHEN i + 1 <= length(about) AND i + 1 <= 600 THEN CAST({code}(substr(about, i + 1, 1)) AS BIGINT) * 2097152
      ELSE 0 END
    + CASE WHEN i + 2 <= length(about) AND i + 2 <= 600 THEN CAST({code}(substr(about, i + 2, 1)) AS BIGINT)
      ELSE 0 END, room_no
FROM rooms JOIN n ON i <= length(about) WHERE listed = 1;
