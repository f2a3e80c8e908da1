"""How programs end, fork and are interrupted, and what becomes of what they pipe."""

import signal
import subprocess
import time
from contextlib import suppress
from typing import Any

import pytest

from runstreams import Client, Closed
from tests.sdk.programs import Program
from tests.serve.process import ServerProcess


def read(client: Client, run: str, key: str | None = None) -> list[Any]:
    return list(client.streams.read(run, key, timeout=0, strict=False))


def test_a_program_that_just_ends_has_sent_everything(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(server, run, "streams.pipe(slowly(30))")
    assert program.end() == (0, "", "")
    assert read(client, run) == list(range(30))


def test_so_has_one_that_raises_or_exits(server: ServerProcess, client: Client, run: str) -> None:
    one = Program(server, run, "streams.pipe('a', slowly(20)); sys.exit(3)")
    other = Program(server, run, "streams.pipe('b', slowly(20)); raise LookupError('gone')")
    assert one.end() == (3, "", "")
    code, _, complained = other.end()
    assert code == 1
    assert complained.endswith("LookupError: gone\n")
    assert read(client, run, "a") == read(client, run, "b") == list(range(20))


def test_a_pipe_begun_by_a_thread_that_outlives_the_main_one_is_sent_too(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        def later():
            time.sleep(0.3)
            streams.pipe(slowly(10))

        threading.Thread(target=later).start()
        """,
    )
    assert program.end() == (0, "", "")
    assert read(client, run) == list(range(10))


def test_a_token_is_asked_for_even_when_no_thread_can_be_begun_any_more(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        import concurrent.futures.thread as pools
        from runstreams import Client

        client = Client(token=lambda: os.environ["RUNSTREAMS_SECRET_KEY"])

        def later():
            while not pools._shutdown:
                time.sleep(0.01)
            client.streams.pipe(["last words"])

        threading.Thread(target=later).start()
        """,
    )
    assert program.end() == (0, "", "")
    assert read(client, run) == ["last words"]


def test_a_source_whose_loop_has_ended_without_a_word_is_cut_off_and_reported(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        import asyncio, warnings
        from runstreams.aio import streams

        async def source():
            yield "here"
            await asyncio.sleep(3600)
            yield "never"

        async def main():
            piped = streams.pipe(source())
            async for passed in piped.stream:
                return

        warnings.simplefilter("ignore")  # of a task that is forgotten, and of the loop
        asyncio.new_event_loop().run_until_complete(main())
        """,
    )
    code, _, complained = program.end()
    assert code == 0
    assert f"{run}/default was broken off: SourceCut: " in complained
    assert read(client, run) == ["here"]
    closed = client.streams.describe(run).closed
    assert closed is not None
    assert closed.status == "canceled"


def test_a_writer_that_is_never_ended_is_sent_and_reported_once(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(server, run, "writer = streams.writer('k'); writer.write('x')")
    code, _, complained = program.end()
    assert code == 0
    assert complained.count("\n") == 1
    assert f"{run}/k: the writer was never ended" in complained
    assert read(client, run, "k") == ["x"]


def test_what_cannot_be_sent_in_time_is_reported(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        from runstreams import Timeouts, configure
        configure("http://127.0.0.1:9", timeouts=Timeouts(flush=0.3))
        streams.pipe(["a", "b", "c"])
        """,
    )
    code, _, complained = program.end()
    assert code == 0
    assert f"given up: {run}/default: 3 chunks were not sent" in complained


PAUSING = """
import runstreams.sdk.writing.flushing as flushing

def pausing(seconds):
    yield 0
    time.sleep(seconds)
    yield 1

flushing.SILENT_SECONDS = 0.5
"""

UNTIL_IT_IS_THERE = "next(streams.read(os.environ['RUNSTREAMS_RUN_ID']))"

HOW = "Ctrl-C closes the sources, a second one ends at once"


def test_the_end_of_a_program_waits_for_its_sources_and_says_so(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(server, run, PAUSING + "streams.pipe(pausing(2))\n" + UNTIL_IT_IS_THERE)
    code, _, complained = program.end()
    assert code == 0
    assert complained == f"waiting for {run}/default (its source goes on); {HOW}\n"
    assert read(client, run) == [0, 1]


RUN = """
import logging
logging.basicConfig(level="INFO", format="%(message)s")
logging.getLogger("httpx").setLevel("WARNING")
with streams.run(os.environ["RUNSTREAMS_RUN_ID"]):
    streams.pipe(slowly(10**9))
"""


@pytest.mark.parametrize("text", ["streams.pipe(slowly(10**9))", RUN])
def test_ctrl_c_while_its_end_waits_closes_the_sources_and_sends_what_was_written(
    server: ServerProcess, client: Client, run: str, text: str
) -> None:
    program = Program(server, run, PAUSING + text)
    assert program.complaint().startswith("waiting for ")
    program.process.send_signal(signal.SIGINT)
    code, _, _ = program.end()
    assert code == -signal.SIGINT  # as always after Ctrl-C
    found = read(client, run)
    assert found == list(range(len(found)))
    assert found
    assert client.streams.describe(run).closed == Closed("canceled", "KeyboardInterrupt: ")


LIKE_CTRL_C = "import signal\nsignal.signal(signal.SIGTERM, signal.default_int_handler)\n"
NOWHERE = "from runstreams import configure\nconfigure('http://127.0.0.1:9')\n"
WAITING = PAUSING + NOWHERE + "streams.pipe(pausing(10**6))"


@pytest.mark.parametrize(
    ("told", "text"), [(signal.SIGINT, WAITING), (signal.SIGTERM, LIKE_CTRL_C + WAITING)]
)
def test_a_second_signal_ends_it_at_once(
    server: ServerProcess, run: str, told: signal.Signals, text: str
) -> None:
    program = Program(server, run, text)
    assert "cannot be reached" in program.complaint()
    assert program.complaint().startswith("waiting for ")
    while program.process.poll() is None:  # two signals at once count as one, and a third kills
        program.process.send_signal(told)
        with suppress(subprocess.TimeoutExpired):
            program.process.wait(2)
    code, _, complained = program.end()
    assert code == -signal.SIGINT
    assert f"interrupted again: {run}/default: 1 chunks were not sent" in complained


def test_sigterm_ends_a_program_at_once_that_does_not_ask_for_more(
    server: ServerProcess, run: str
) -> None:
    program = Program(server, run, WAITING)
    assert "cannot be reached" in program.complaint()
    assert program.complaint().startswith("waiting for ")
    program.process.send_signal(signal.SIGTERM)
    assert program.end()[0] == -signal.SIGTERM


def test_a_reader_does_not_keep_a_program(server: ServerProcess, client: Client, run: str) -> None:
    client.streams.append("x", target=run)
    program = Program(
        server,
        run,
        f"reader = streams.read({run!r}, timeout=None)\nprint(next(reader))",
    )
    assert program.end() == (0, "x\n", "")


def test_an_async_program_that_just_ends_has_sent_what_its_loop_has_given(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        import asyncio
        from runstreams.aio import streams

        async def main():
            streams.pipe("plain", slowly(30))
            async with streams.run() as run:
                streams.pipe(source(), target=os.environ["RUNSTREAMS_RUN_ID"])

        async def source():
            for value in range(30):
                yield value
                await asyncio.sleep(0.01)

        asyncio.run(main())
        """,
    )
    assert program.end() == (0, "", "")
    assert read(client, run, "plain") == read(client, run) == list(range(30))


FORKING = """
before = streams.pipe("parent", slowly(30))
child = os.fork()
if not child:
    try:
        before.wait_until_complete()
    except Exception as error:
        print("child:", error, flush=True)
    streams.pipe("child", slowly(10)).wait_until_complete()
    print("child: done", flush=True)
    os._exit(0)
os.waitpid(child, 0)
print("parent:", before.wait_until_complete())
"""


def test_after_a_fork_each_process_sends_what_is_its_own(
    server: ServerProcess, client: Client, run: str
) -> None:
    code, said, complained = Program(server, run, FORKING).end()
    assert (code, complained) == (0, "")
    assert said.splitlines() == [
        "child: this belongs to the process that began it, and is sent there",
        "child: done",
        "parent: 29",
    ]
    assert read(client, run, "parent") == list(range(30))
    assert read(client, run, "child") == list(range(10))


FORKING_IN_A_RUN = """
import asyncio
from runstreams import aio

async def serve():
    async with aio.lifespan():
        await aio.streams.append("child", "served")

job = os.environ["RUNSTREAMS_RUN_ID"] + "_job"
with streams.run(job):
    piped = streams.pipe("parent", slowly(30))
    child = os.fork()
    if not child:
        streams.append("child", "appended")
        streams.pipe("piped", ["by the child"]).wait_until_complete()
        LEAVE
    os.waitpid(child, 0)
    print(streams.describe_run(job).status, *streams.list(job), sep="\\n")
    print(piped.wait_until_complete())
"""

LEAVES = [
    "asyncio.run(serve()); os._exit(0)",
    "sys.exit()",
    "raise KeyboardInterrupt",
    "raise LookupError('in the child')",
]


@pytest.mark.parametrize("leave", LEAVES)
def test_a_run_is_ended_by_the_process_that_entered_it(
    server: ServerProcess, client: Client, run: str, leave: str
) -> None:
    """Its child sends what it writes, and promises nothing that only its parent could keep."""
    code, said, _ = Program(server, run, FORKING_IN_A_RUN.replace("LEAVE", leave)).end()
    status, *found, last = said.splitlines()
    assert (code, status, last) == (0, "running", "29")
    streams = {key: info for info in found for key in ("child", "piped") if f"'{key}'" in info}
    assert streams.keys() == {"child", "piped"}
    for info in streams.values():
        assert "leased_until=None" in info
        assert "closed=None" in info
    assert client.streams.describe_run(f"{run}_job").status == "completed"


IN_A_CHILD = {
    "with streams.read(job, 'read', timeout=None) as reader:": "next(reader); leave(sys.exit)",
    "reader = streams.read(job, 'read', timeout=None)": "next(reader); leave(reader.close)",
    "piped = streams.pipe('k', slowly(100), target=job)": "leave(lambda: refused(piped.stream))",
    "writer = streams.writer('k', target=job)": "leave(lambda: globals().pop('writer'))",
}

LEAVING = """
import gc, signal
job = os.environ["RUNSTREAMS_RUN_ID"]
streams.append("read", 0)

def leave(how):
    child = os.fork()
    if not child:
        signal.alarm(10)
        how()
        gc.collect()
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)

def refused(passing):
    try:
        list(passing)
    except Exception as error:
        print(type(error).__name__, flush=True)
"""


@pytest.mark.parametrize("begin", IN_A_CHILD)
def test_a_forked_child_lets_go_of_what_its_parent_has_begun_and_waits_for_none_of_it(
    server: ServerProcess, run: str, begin: str
) -> None:
    does = ("\n    " if begin.endswith(":") else "\n") + IN_A_CHILD[begin]
    ends = "\nwriter.close()" if begin.startswith("writer") else ""
    code, said, complained = Program(server, run, LEAVING + begin + does + ends).end()
    expected = "NotSent\n0\n" if "refused" in does else "0\n"
    assert (code, said, complained) == (0, expected, "")


MANY_FORKS = """
import random
pipes = [streams.pipe("parent", slowly(100, 0.002))]
children = []
for number in range(10):
    child = os.fork()
    if not child:
        streams.append("children", number)
        os._exit(0)
    children.append(child)
    time.sleep(random.random() / 50)
    pipes.append(streams.pipe(f"p{number}", range(50)))
for child in children:
    assert os.waitpid(child, 0)[1] == 0
for piped in pipes:
    piped.wait_until_complete()
"""


def test_a_busy_process_may_fork_at_any_moment(
    server: ServerProcess, client: Client, run: str
) -> None:
    assert Program(server, run, MANY_FORKS).end() == (0, "", "")
    assert sorted(read(client, run, "children")) == list(range(10))
    assert read(client, run, "parent") == list(range(100))
    assert read(client, run, "p9") == list(range(50))


FORKING_THREADS = """
def fork():
    for _ in range(20):
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)

piped = streams.pipe(slowly(100, 0.002))
threads = [threading.Thread(target=fork) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(piped.wait_until_complete())
"""


def test_several_threads_may_fork_at_the_same_moment(
    server: ServerProcess, client: Client, run: str
) -> None:
    assert Program(server, run, FORKING_THREADS).end() == (0, "99\n", "")
    assert read(client, run) == list(range(100))


def test_a_process_of_multiprocessing_sends_what_is_pending_at_its_end(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        import multiprocessing

        def work():
            streams.pipe(slowly(20))

        streams.append("before", "x")
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
        print(process.exitcode)
        """,
    )
    assert program.end() == (0, "0\n", "")
    assert read(client, run) == list(range(20))


@pytest.mark.parametrize("waiting", ["piped.wait_until_complete()", "list(piped.stream)"])
def test_an_interrupted_program_has_sent_what_was_written(
    server: ServerProcess, client: Client, run: str, waiting: str
) -> None:
    program = Program(
        server,
        run,
        f"""
        piped = streams.pipe(slowly(10**9))
        next(piped.stream)
        print("piping", flush=True)
        {waiting}
        """,
    )
    assert program.line() == "piping"
    program.process.send_signal(signal.SIGINT)
    code, _, complained = program.end()
    assert code in (1, -signal.SIGINT)
    assert "KeyboardInterrupt" in complained
    found = read(client, run)
    assert found == list(range(len(found)))
    assert found
    assert client.streams.describe(run).closed == Closed("canceled", "KeyboardInterrupt: ")


def test_an_interrupted_run_ends_at_once_and_its_streams_say_so(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        f"""
        with streams.run({run!r}):
            piped = streams.pipe(slowly(10**9))
            next(piped.stream)
            print("piping", flush=True)
            piped.wait_until_complete()
        """,
    )
    assert program.line() == "piping"
    program.process.send_signal(signal.SIGINT)
    code, _, complained = program.end()
    assert code in (1, -signal.SIGINT)
    assert "Exception ignored" not in complained
    closed = client.streams.describe(run).closed
    assert closed == Closed("canceled", "KeyboardInterrupt: ")


FREEZING = """
from runstreams.errors import RunstreamsError
run = os.environ["RUNSTREAMS_RUN_ID"]
reader = streams.read(run, "in", timeout=1)
print(next(reader), flush=True)
piped = streams.pipe("out", slowly(300))
print(*reader, flush=True)
print(piped.wait_until_complete(), flush=True)
"""


def freeze(server: ServerProcess, client: Client, run: str, seconds: float) -> None:
    """Freeze a program that writes and reads, as a laptop that is closed, and thaw it."""
    client.streams.append("in", 0, target=run)
    program = Program(server, run, FREEZING)
    assert program.line() == "0"
    program.process.send_signal(signal.SIGSTOP)
    client.streams.pipe("in", range(1, 5), target=run).wait_until_complete()
    time.sleep(seconds)
    program.process.send_signal(signal.SIGCONT)
    # What has come meanwhile is no silence, however long it was.
    assert program.line() == "1 2 3 4"
    assert program.end() == (0, "299\n", "")
    assert read(client, run, "out") == list(range(300))


def test_a_frozen_program_goes_on_where_it_was(
    server: ServerProcess, client: Client, run: str
) -> None:
    freeze(server, client, run, 2)


@pytest.mark.soak
def test_a_program_frozen_for_a_minute_goes_on_where_it_was(
    server: ServerProcess, client: Client, run: str
) -> None:
    freeze(server, client, run, 60)


def test_after_a_fork_no_append_is_taken_for_another_ones(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        streams.append("log", "before")
        child = os.fork()
        streams.append("log", "after")
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        """,
    )
    assert program.end() == (0, "", "")
    assert sorted(read(client, run, "log")) == ["after", "after", "before"]
