# SPDX-License-Identifier: MIT
"""gdb's view of goroutines, in a process or a core file.

    info goroutines              all of them
    goroutine ID... COMMAND      COMMAND on the stack of each:  goroutine 7 bt
    goroutine apply all COMMAND  on every one

Nothing of the program runs for this, and no register or memory is written: a goroutine that is
parked is shown by an unwinder, which says that the innermost frame of the selected thread was
called from where the goroutine parked.  So its frames count from #1 (or more, if code is inlined
where the thread is); the thread's are left out of backtraces, and the command finds the innermost
frame of the goroutine selected.

What lies where comes from the library itself: gor_debugger_table in runtime/debugger.c.
"""
import struct

import gdb
import gdb.unwinder

ROW = 32  # a row of the table: a name of 24 bytes, a number
FRAMES_BEHIND_SIGNALS = 64  # how far out a running goroutine's own stack is looked for


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def read_word(address):
    return struct.unpack('<Q', read(address, 8))[0]


def text(data):
    return data.split(b'\0', 1)[0].decode('utf-8', 'replace')


def read_text(address):
    data = b''
    while address and b'\0' not in data and len(data) < 4096:
        step = 64 - address % 64  # never over the end of a page
        data += read(address, step)
        address += step
    return text(data)


def table():
    """The library's table, as a dictionary."""
    try:
        at = int(gdb.parse_and_eval('(unsigned long)&gor_debugger_table'))
    except gdb.error:
        raise gdb.GdbError('No goroutines: the program has no libgor, or has not been started.')
    rows = {}
    while True:
        row = read(at, ROW)
        name = text(row[:24])
        if not name:
            return rows
        rows[name] = struct.unpack('<Q', row[24:])[0]
        at += ROW


def reasons(rows):
    """Why goroutines park: number -> words."""
    words = {}
    for i in range(rows['words.count']):
        row = read(rows['words'] + i * ROW, ROW)
        if text(row[:16]) == 'reason':
            number, at = struct.unpack('<QQ', row[16:])
            words[number] = read_text(at)
    return words


class Goroutine:
    def __init__(self, rows, at, data):
        def word(field):
            return struct.unpack_from('<Q', data, rows['g.' + field])[0]

        self.rows = rows
        self.at = at
        self.sp, self.id, self.fn = word('sp'), word('id'), word('fn')
        self.low, self.high = word('stack_low'), word('stack_high')
        self.site, self.born = word('site'), word('born')
        self.parent = word('parent')
        self.state = data[rows['g.state']]
        self.reason = data[rows['g.reason']]
        self.name = text(data[rows['g.name']:])
        self.thread = None  # the one that is on its stack

    def status(self, states, words):
        if self.thread:
            return 'running (thread %d)' % self.thread.num
        if states[self.state] == 'waiting':
            return words.get(self.reason, '?')
        return states[self.state]

    def where(self):
        """Function and line of its last call of the runtime; of a new one, its function."""
        if not self.site and not self.fn:
            return '(a thread of the program)'
        if not self.site:
            block = gdb.execute('info symbol %d' % self.fn, to_string=True)
            return block.split(' ')[0] + ' ()' if ' in section' in block else '?? ()'
        site = read(self.site, 32)
        file = struct.unpack_from('<Q', site, self.rows['gor_site.file'])[0]
        func = struct.unpack_from('<Q', site, self.rows['gor_site.func'])[0]
        line = struct.unpack_from('<I', site, self.rows['gor_site.line'])[0]
        return '%s () at %s:%d' % (read_text(func), read_text(file), line)

    def registers(self):
        """What its saved context holds; see context_*.S."""
        saved = {}
        for name, offset in self.rows.items():
            if name.startswith('saved.'):
                saved[name[6:]] = read_word(self.sp + offset)
        saved['rsp' if 'rip' in saved else 'sp'] = self.sp + self.rows['context.bytes']
        return saved


def states(rows):
    return [read_text(read_word(rows['states'] + 8 * i)) for i in range(5)]


def goroutines():
    """All that are alive, by id."""
    rows = table()
    dead = [i for i, name in enumerate(states(rows)) if name in ('new', 'dead')]
    found = []
    slab = read_word(rows['slabs'])
    while slab:
        base = read_word(slab + rows['stack_slab.base'])
        stride = read_word(slab + rows['stack_slab.stride'])
        used = read_word(slab + rows['stack_slab.used']) & 0xffffffff
        for i in range(used):
            colour = i % rows['slab.colours'] * rows['slab.line']
            at = base + (i + 1) * stride - rows['g.bytes'] - colour
            data = read(at, rows['g.bytes'])
            if data[rows['g.state']] not in dead:
                found.append(Goroutine(rows, at, data))
        slab = read_word(slab + rows['stack_slab.next'])
    find_threads(found)
    return sorted(found, key=lambda g: g.id)


def stack_pointers():
    """Those of the selected thread's frames: a signal handler may run on another stack."""
    frame = gdb.newest_frame()
    for _ in range(FRAMES_BEHIND_SIGNALS):
        yield int(frame.read_register('sp')) & (1 << 64) - 1
        frame = frame.older()
        if frame is None:
            return


def find_threads(found):
    """Note for each goroutine which thread is on its stack."""
    stacks = sorted(found, key=lambda g: g.low)
    selected = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        owner = next(filter(None, (owner_of(stacks, sp) for sp in stack_pointers())), None)
        if owner:
            owner.thread = thread
    if selected:
        selected.switch()


def owner_of(stacks, address):
    low, high = 0, len(stacks)
    while low < high:
        middle = (low + high) // 2
        if stacks[middle].low <= address:
            low = middle + 1
        else:
            high = middle
    g = stacks[low - 1] if low else None
    return g if g and address < g.high else None


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class ParkedUnwinder(gdb.unwinder.Unwinder):
    """While a goroutine is shown: it, instead of who called the thread's innermost frame."""

    def __init__(self):
        super().__init__('gor')
        self.saved = None
        self.innermost = None

    def show(self, g):
        frame = gdb.newest_frame()
        self.innermost = int(frame.read_register('sp')), int(frame.read_register('pc'))
        self.saved = g.registers()
        gdb.invalidate_cached_frames()

    def hide(self):
        self.saved = None
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.saved is None:
            return None
        sp = pending.read_register('sp')
        pc = pending.read_register('pc')
        if (int(sp), int(pc)) != self.innermost:
            return None
        outer = self.saved.get('rsp', self.saved.get('sp'))
        below = gdb.Value(outer - 16).cast(sp.type)  # inner to it, as a frame should be
        info = pending.create_unwind_info(FrameId(below, pc))
        for name, value in self.saved.items():
            info.add_saved_register(name, gdb.Value(value).cast(pending.read_register(name).type))
        return info


class ParkedFilter:
    """Leaves the thread's frame, and what is inlined there, out of backtraces meanwhile."""

    def __init__(self):
        self.name = 'gor'
        self.priority = 1000
        self.enabled = False
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        for frame in frames:
            if frame.inferior_frame().type() != gdb.INLINE_FRAME:
                break
        return frames


unwinder = ParkedUnwinder()
frame_filter = ParkedFilter()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


def run_on(g, command):
    """Run a command of gdb's on the stack of a goroutine."""
    selected = gdb.selected_thread()
    if not selected:
        raise gdb.GdbError('No threads.')
    if g.thread:
        g.thread.switch()
        gdb.newest_frame().select()
        try:
            gdb.execute(command)
        finally:
            selected.switch()
        return
    unwinder.show(g)
    frame_filter.enabled = True
    try:
        frame = gdb.newest_frame()
        while frame.type() == gdb.INLINE_FRAME:
            frame = frame.older()
        frame.older().select()
        gdb.execute(command)
    finally:
        frame_filter.enabled = False
        unwinder.hide()


class InfoGoroutines(gdb.Command):
    """List the goroutines: id, what each does, its name, and its last call of the runtime.

The one that the selected thread runs is marked with an asterisk."""

    def __init__(self):
        super().__init__('info goroutines', gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        found = goroutines()
        if not found:
            print('No goroutines.')
            return
        state_names, words = states(found[0].rows), reasons(found[0].rows)
        lines = [(g.thread is not None and g.thread == gdb.selected_thread(), str(g.id),
                  g.status(state_names, words), g.name, g.where()) for g in found]
        wide = [max(len(line[i]) for line in lines) for i in (1, 2, 3)]
        wide = [max(n, len(head)) for n, head in zip(wide, ('Id', 'State', 'Name'))]
        print('  %-*s  %-*s  %-*s  Where' % (wide[0], 'Id', wide[1], 'State', wide[2], 'Name'))
        for current, number, status, name, where in lines:
            print('%s %-*s  %-*s  %-*s  %s' % ('*' if current else ' ', wide[0], number, wide[1],
                                               status, wide[2], name, where))


class GoroutineCommand(gdb.Command):
    """Run a command on the stacks of goroutines.

    goroutine ID... COMMAND
    goroutine apply all COMMAND

The frames of a goroutine that no thread is on count from 1."""

    def __init__(self):
        super().__init__('goroutine', gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        found = goroutines()
        words = arg.split()
        if words[:2] == ['apply', 'all']:
            command = arg.split(None, 2)[2:]
            chosen = found
        else:
            ids = []
            while words and words[0].isdigit():
                ids.append(int(words.pop(0)))
            command = arg.split(None, len(ids))[len(ids):]
            by_id = {g.id: g for g in found}
            for number in ids:
                if number not in by_id:
                    raise gdb.GdbError('No goroutine %d.' % number)
            chosen = [by_id[number] for number in ids]
        if not command or (not chosen and words[:2] != ['apply', 'all']):
            raise gdb.GdbError('Usage: goroutine ID... COMMAND, or goroutine apply all COMMAND')
        self.run(chosen, command[0])

    def run(self, chosen, command):
        if not chosen:
            return
        state_names, reason = states(chosen[0].rows), reasons(chosen[0].rows)
        for g in chosen:
            if len(chosen) > 1:
                name = ' "%s"' % g.name if g.name else ''
                print('\nGoroutine %d%s (%s):' % (g.id, name, g.status(state_names, reason)))
            run_on(g, command)


InfoGoroutines()
GoroutineCommand()
