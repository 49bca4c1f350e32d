/** `DAYB`, in SQLite's `application_id`. */
export const applicationId = 0x44415942;

/** Makes a format of the log file out of the one before it. */
export interface LogFormat {
  readonly sql: string;
  /** Whether a process that knows only the format before may keep the file open, and what it cannot do any more. */
  readonly olderProcesses: string;
}

/**
 * The formats of the log file: the first one is made in an empty file, each other one out of the one before it. A new
 * file goes through all of them, so it is the same as one that was migrated. What is here never changes.
 */
export const logFormats: readonly LogFormat[] = [
  {
    sql: `
      CREATE TABLE events (position INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;
      CREATE TABLE seals (
        segment     INTEGER PRIMARY KEY,
        hash        BLOB    NOT NULL,
        seal        BLOB    NOT NULL,
        min_created INTEGER NOT NULL,
        max_created INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    `,
    olderProcesses: 'There are none.',
  },
  {
    // SQL that alters or removes an event is refused. Nothing here is asked when a row is inserted. A scavenge says in
    // `meta`, for as long as its transaction lasts, that it may.
    sql: `
      CREATE TRIGGER events_never_change BEFORE UPDATE ON events
        WHEN NOT EXISTS (SELECT 1 FROM meta WHERE key = 'scavenging')
        BEGIN SELECT RAISE(ABORT, 'Daybook: an event never changes. Append another one that puts it right.'); END;
      CREATE TRIGGER events_never_go BEFORE DELETE ON events
        WHEN NOT EXISTS (SELECT 1 FROM meta WHERE key = 'scavenging')
        BEGIN SELECT RAISE(ABORT, 'Daybook: an event is never removed. Delete its stream, then scavenge.'); END;
      CREATE TRIGGER seals_never_change BEFORE UPDATE ON seals
        WHEN NOT EXISTS (SELECT 1 FROM meta WHERE key = 'scavenging')
        BEGIN SELECT RAISE(ABORT, 'Daybook: a seal never changes.'); END;
      CREATE TRIGGER seals_never_go BEFORE DELETE ON seals
        WHEN NOT EXISTS (SELECT 1 FROM meta WHERE key = 'scavenging')
        BEGIN SELECT RAISE(ABORT, 'Daybook: a seal is never removed.'); END;
    `,
    olderProcesses:
      'They read and append until somebody scavenges, and must be stopped before. Their own scavenge is refused.',
  },
];

/** The newest format that this code knows, in SQLite's `user_version`. */
export const newestFormat: number = logFormats.length;
