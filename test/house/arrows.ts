/** Who may import whom. */

/** Which rooms of the library a room may import, besides itself. A room that is not listed here fails. */
const libraryRooms: Readonly<Record<string, readonly string[]>> = {
  store: [],
  internal: ['store'],
  memory: ['store', 'internal'],
  sqlite: ['store', 'internal'],
  kurrent: ['store', 'internal'],
  decider: ['store', 'internal'],
  consumer: ['store', 'internal'],
  'read-model': ['store', 'internal', 'consumer'],
  testing: ['store', 'memory', 'consumer', 'decider', 'read-model'],
};

/** What a room works with that its user hands in. Its types, and what it exports, come from the user's own copy. */
const handedIn: Readonly<Record<string, string>> = { 'read-model': 'kysely' };

/** Which rooms of the server a room may import, besides itself. Files right in `src` put the rooms together. */
const serverRooms: Readonly<Record<string, readonly string[]>> = {
  grpc: [],
  http: [],
  protocol: [],
  discovery: ['grpc'],
  streams: ['grpc', 'protocol'],
};

/** The rooms of each package. Those of the command are not rooms but folders: they may import each other. */
const roomsOf: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  daybook: libraryRooms,
  server: serverRooms,
};

/** Which of our packages a package may import. */
const packagesBelow: Readonly<Record<string, readonly string[]>> = {
  daybook: [],
  server: ['daybook'],
  cli: ['daybook', 'daybook-server'],
};

/** What is wrong with the imports of a shipped file. */
export function wrongArrows(file: Importing): readonly string[] {
  return [...betweenRooms(file), ...betweenPackages(file)];
}

export interface Importing {
  readonly path: string;
  readonly package: string;
  readonly room: string;
  readonly imports: readonly string[];
}

function betweenRooms({ path, package: owner, room, imports }: Importing): readonly string[] {
  const rooms = roomsOf[owner];
  if (rooms === undefined || room === '') return [];
  const allowed = rooms[room];
  if (allowed === undefined) return [`the room ${room}/ is not in test/house/arrows.ts`];
  return imports.flatMap((target) => {
    const to = roomOf(path, target);
    if (to === undefined || to === room || allowed.includes(to)) return [];
    return [to === '' ? `${room}/ may not import ${target}: it stands above` : `${room}/ may not import ${to}/`];
  });
}

/** The room that a relative import leads to, `''` for a file right in `src`, or `undefined` when it is no such import. */
function roomOf(path: string, target: string): string | undefined {
  if (!target.startsWith('.')) return undefined;
  const resolved = new URL(target, `file:///${path}`).pathname;
  const [, room] =
    /^\/packages\/[^/]+\/src\/(?:([^/]+)\/)?[^/]+$/.exec(resolved.replace(/(\/src\/[^/]+\/).*\//, '$1')) ?? [];
  return room ?? '';
}

function betweenPackages({ path, package: owner, room, imports }: Importing): readonly string[] {
  const below = packagesBelow[owner];
  if (below === undefined) return [`the package ${owner} is not in test/house/arrows.ts`];
  return imports.flatMap((target) => {
    if (target.startsWith('.')) {
      const resolved = new URL(target, `file:///${path}`).pathname;
      return resolved.startsWith(`/packages/${owner}/`) ? [] : [`${target} leads out of the package: import its door`];
    }
    const [, name = ''] = /^((?:@[^/]+\/)?[^/]+)/.exec(target) ?? [];
    if (name.startsWith('daybook')) return below.includes(name) ? [] : [`${owner} may not import ${name}`];
    const isBuiltIn = target.startsWith('node:');
    return owner === 'daybook' && !isBuiltIn && handedIn[room] !== name
      ? [`the library has no dependencies: ${target}`]
      : [];
  });
}
