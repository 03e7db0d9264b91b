"""A page on this machine to play with a trained generator, which says the command of each picture: explore.py."""

import base64
import hashlib
import html
import io
import os
import shlex
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from stylegan_tf import environment, pictures
from stylegan_tf.command_line import Flag, help_text, parse
from stylegan_tf.errors import UserError, brief, exit_code
from stylegan_tf.networks.sampling import pictures_of
from stylegan_tf.programs import generate
from stylegan_tf.programs.directions import SEFA, saved, step
from stylegan_tf.programs.foreign_flags import GENERATE, of_figures
from stylegan_tf.weights import load

WHAT = "Opens a page on this machine to play with a trained StyleGAN: python explore.py --network=RUN_DIR"
HERE = "127.0.0.1"
LOOPBACK = (HERE, "localhost", "::1")
FLAGS = {
    "What is shown": (generate.FLAGS["Which pictures"][0],),  # --network
    "Where": (
        Flag("host", "text", HERE, f"address to listen on; others than {HERE} let other machines in (default: {HERE})"),
        Flag("port", "whole", None, "port to listen on (default: the first free one from 7860 on)"),
    ),
}
EXPLORED = "explored"  # where the commands of the page write to
NAMES = ("coarse", "middle", "fine", "all")
SMALL = 512  # pixels a side, below which they are shown as squares
STRONGEST = 5.0  # standard deviations of w, of the sliders
# The page's own files and what it makes, and nothing from elsewhere.
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"


class State(NamedTuple):
    """What the controls of the page say. Numbers are as people typed them: None, or any."""

    seed: float | None = 0
    label: int | None = None  # class, of a network that has some
    psi: float | None = 0.7
    cutoff: float | None = 8
    mix_layers: str | None = ""  # that take the styles of mix_seed; "": none
    mix_seed: float | None = 1
    noise: str = "const"  # const, none, random
    noise_seed: float | None = 0  # of random noise
    noise_layers: str | None = "all"
    direction_layers: str | None = "all"
    directions: Sequence[str] = ()
    strengths: Sequence[float | None] = ()  # one for each of them


class Picture(NamedTuple):
    """What a state looks like, and the command that makes it."""

    pixels: np.ndarray  # uint8 [H, W, C]
    command: str


class Explorer:
    """Pictures of one network, each a function of a State alone.

    Made by graphs (`picture`), or op by op as generate.py makes a single one (`saved_png`): those are the same up to
    rounding, a level of 255 in a few places. What is kept between pictures are graphs, and directions by their names.

    Args:
        network: What load.load takes. None: as generate.py does.

    Raises UserError where there is no such generator.
    """

    def __init__(self, network: str | None = None):
        given = network or load.newest_network(generate.RESULTS, load.SHIPPED)
        self.path = load.generator_file(given)
        # A folder may have a newer snapshot by the time that the command is run.
        named = Path(given).is_dir() or network is None
        self.name = load.FACES if self.path == load.SHIPPED else str(self.path) if named else str(given)
        self.Gs, self.stage, self.fade = generate.opened_generator(self.path)
        self.last_stage = self.stage or self.Gs.last_stage
        numbers = [str(number) for number in range(self.Gs.label_size)]
        self.classes = numbers and [*load.classes_of_snapshot(self.path)] or numbers
        self.has_styles = not generate.lacks(self.path, self.Gs, "styles")
        self.has_noise = not generate.lacks(self.path, self.Gs, "noise")
        self._box = generate.box_of(generate.Request(self.path, []), self.Gs.resolution, 2**self.last_stage)
        self._fast = self.Gs.as_graphs()
        self._steps: dict[tuple, np.ndarray] = {}
        self._one_at_a_time = threading.Lock()  # making a graph changes the network for a moment

    def directions(self) -> list[str]:
        """Names that State.directions can have: those saved for the network, and the first of SeFa."""
        from stylegan_tf.figures.directions import MOST

        found = saved(self.path, self.Gs.synthesis.w_dim).values() if self.has_styles else []
        names = [
            name for those in found for name, vector in zip(those.names, those.vectors, strict=True) if any(vector)
        ]
        return [*dict.fromkeys(names), *(f"{SEFA}{number}" for number in range(MOST) if self.has_styles)]

    def layers(self) -> list[str]:
        """Names of layers that mean some in this network."""
        from stylegan_tf.figures.layers import layers_of

        found = []
        for name in NAMES:
            with suppress(UserError):
                found += [name] if layers_of(name, self.last_stage) else []
        return found

    def flags(self, state: State) -> list[str]:
        """The flags of generate.py that make the picture of a state, but for network and folder."""
        found = [f"--seeds={generate.one_seed('seeds', text(state.seed))}"]
        if self.classes:
            found.append(f"--labels={'' if state.label is None else self.classes[state.label]}")
        if self.has_styles:
            found += [f"--psi={text(state.psi)}", f"--cutoff={text(state.cutoff)}"]
            if state.mix_layers:
                mix = generate.one_seed("mix", text(state.mix_seed))
                found += [f"--mix={mix}", f"--mix_layers={state.mix_layers}"]
            if state.directions:
                found += [f"--direction={name}" for name in state.directions]
                found += [f"--strength={','.join(map(text, state.strengths))}"]
                found += [f"--direction_layers={state.direction_layers or ''}"]
        if self.has_noise:
            found.append(f"--noise={state.noise}")
            if state.noise == "random":
                found.append(f"--noise_seed={text(state.noise_seed)}")
            if state.noise != "none" and state.noise_layers != "all":
                found.append(f"--noise_layers={state.noise_layers or ''}")
        return found

    def command(self, flags: Sequence[str]) -> str:
        """The command of some flags. It has a folder of its own, as one folder holds pictures of one look."""
        folder = f"--outdir={EXPLORED}/{digest(flags)}"
        return shlex.join(["python", "generate.py", f"--network={self.name}", *flags, folder])

    def picture(self, state: State) -> Picture:
        """Raises UserError for a state that cannot be, in generate.py's words."""
        flags = self.flags(state)
        return Picture(self._pixels(flags, self._fast), self.command(flags))

    def saved_png(self, state: State) -> tuple[str, bytes]:
        """(name, content) of a PNG file with the pixels that the state's command writes, and the command in it."""
        flags = self.flags(state)
        about = {"Software": "stylegan_tf", "command": self.command(flags)}
        return f"{EXPLORED}-{digest(flags)}.png", png(self._pixels(flags, self.Gs), about)

    def _pixels(self, flags: Sequence[str], Gs: Any) -> np.ndarray:
        request = generate.build(parse([f"--network={self.path}", *flags], generate.FLAGS, GENERATE))
        with self._one_at_a_time:
            inputs, look = generate.prepared(request, Gs, self.stage, self.fade, self._step)
            return generate.inside(next(pictures_of(Gs, inputs, look))[1], self._box)

    def _step(self, name: str, network: Path, Gs: Any, layers: range, label: np.ndarray | None) -> np.ndarray:
        """As programs.directions.step, worked out once."""
        key = (name, layers, None if label is None else label.tobytes())
        if key not in self._steps:
            self._steps[key] = step(name, network, Gs, layers, label)
        return self._steps[key]


def text(number: float | None) -> str:
    """A number of a form as a flag's value: '' for None, 7 for 7.0."""
    if number is None:
        return ""
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def digest(flags: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(flags).encode()).hexdigest()[:8]


def png(pixels: np.ndarray, about: dict[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    pictures.write(file, pixels, "PNG", about)
    return file.getvalue()


# --- the page

CSS = """
.gradio-container { width: 100%; max-width: 1240px !important; margin: auto }
#mistake { color: var(--error-text-color, #b91c1c) }
#picture img { width: 100%; border-radius: 8px; display: block }
#picture img.small { image-rendering: pixelated }
#command textarea { font-family: ui-monospace, monospace; font-size: 0.8rem }
#title span { font-weight: normal; opacity: 0.6 }
"""
# The browser makes a file of what the page was sent, so that nothing is written on the side of the program.
DOWNLOAD = """(file) => {
    if (!file) return;
    const [name, content] = file;
    const link = document.createElement("a");
    link.download = name;
    link.href = "data:image/png;base64," + content;
    link.click();
}"""


def page(explorer: Explorer) -> Any:
    """gradio.Blocks: the picture and its command on the left, and on the right the controls that mean something."""
    import gradio as gr

    names, layers = explorer.directions(), explorer.layers()
    side = 2**explorer.last_stage
    start = State(label=0 if explorer.Gs.label_size else None)

    def choice(name: str, value: str | None, first: Sequence[tuple[str, str]] = ()) -> Any:
        choices, also = [*first, *((each, each) for each in layers)], "or 0-3, or 4x4-8x8"
        return gr.Dropdown(
            choices, value=value, label="In which layers", allow_custom_value=True, info=also, elem_id=name
        )

    with gr.Blocks(title=f"stylegan_tf: {explorer.name}", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(f"<h1>{html.escape(explorer.name)} <span>{side}x{side}</span></h1>", elem_id="title")
        with gr.Row():
            with gr.Column():
                shown = gr.HTML(elem_id="picture")
                mistake = gr.HTML(elem_id="mistake")
                command = gr.Textbox(
                    label="The command that makes this", lines=3, buttons=["copy"], interactive=False, elem_id="command"
                )
                save = gr.Button("Save PNG", variant="primary", elem_id="save")
                file = gr.JSON(visible=False)
            with gr.Column():
                with gr.Accordion("Picture"):
                    with gr.Row():
                        seed = gr.Number(start.seed, label="Seed", elem_id="seed")
                        classes = [(name, index) for index, name in enumerate(explorer.classes)]
                        label = gr.Dropdown(classes, value=start.label, label="Class", visible=bool(classes))
                    styles, most = explorer.has_styles, 2 * explorer.last_stage - 2
                    psi = gr.Slider(-1, 1.5, start.psi, step=0.05, label="Truncation: psi", visible=styles)
                    first = min(start.cutoff or 0, most)
                    cutoff = gr.Slider(0, most, first, step=1, label="Truncation: layers (cutoff)", visible=styles)
                with gr.Accordion("Mixing: styles of another seed", visible=styles), gr.Row():
                    mix_layers = choice("mix_layers", start.mix_layers, [("none", "")])
                    mix_seed = gr.Number(start.mix_seed, label="Of the seed", info="the others: above")
                with gr.Accordion("Directions", visible=styles):
                    with gr.Row():
                        chosen = gr.Dropdown(
                            names, value=[], multiselect=True, label="Along which", elem_id="directions"
                        )
                        direction_layers = choice("direction_layers", start.direction_layers)
                    strengths = [
                        gr.Slider(-STRONGEST, STRONGEST, 0, step=0.1, label=name, visible=False) for name in names
                    ]
                with gr.Accordion("Noise", visible=explorer.has_noise):
                    noise = gr.Radio(
                        [("stored", "const"), ("none", "none"), ("drawn from a seed", "random")],
                        value=start.noise,
                        show_label=False,
                    )
                    with gr.Row():
                        noise_seed = gr.Number(start.noise_seed, label="Seed of the noise", visible=False)
                        noise_layers = choice("noise_layers", start.noise_layers)
        own = [  # in the order of a State's fields
            *(seed, label, psi, cutoff, mix_layers, mix_seed),
            *(noise, noise_seed, noise_layers, direction_layers, chosen),
        ]
        controls = [*own, *strengths]

        def state(values: Sequence[Any]) -> State:
            strength_of = dict(zip(names, values[len(own) :], strict=True))
            found = State(*values[: len(own)])
            return found._replace(strengths=[strength_of[name] for name in found.directions])

        def show(*values: Any) -> tuple[Any, Any, str]:
            try:
                made = explorer.picture(state(values))
            except UserError as error:
                return gr.skip(), gr.skip(), html.escape(str(error))
            content = base64.b64encode(png(made.pixels)).decode()
            size = "small" if made.pixels.shape[1] < SMALL else "large"
            return f'<img class="{size}" alt="generated" src="data:image/png;base64,{content}">', made.command, ""

        def download(*values: Any) -> tuple[Any, str]:
            try:
                name, content = explorer.saved_png(state(values))
            except UserError as error:
                return None, html.escape(str(error))
            return [name, base64.b64encode(content).decode()], ""

        gr.on(
            [blocks.load, *(control.change for control in controls)],
            show,
            controls,
            [shown, command, mistake],
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
        saved_now = save.click(download, controls, [file, mistake], show_progress="hidden", api_visibility="private")
        saved_now.then(None, file, None, js=DOWNLOAD)
        if names:
            chosen.change(
                lambda along: [gr.update(visible=name in along) for name in names],
                chosen,
                strengths,
                show_progress="hidden",
                api_visibility="private",
            )
        noise.change(
            lambda kind: (gr.update(visible=kind == "random"), gr.update(visible=kind != "none")),
            noise,
            [noise_seed, noise_layers],
            show_progress="hidden",
            api_visibility="private",
        )
    return blocks


class OwnRequests:
    """ASGI: answers those of the page alone. A browser would also carry those of other web sites to this machine.

    Another site's script has an Origin that is not the host it asks (CSRF); one whose name was pointed at this machine
    (DNS rebinding) asks a host that is none of `hosts`. The page itself loads nothing from elsewhere (POLICY).

    Args:
        app: The application.
        hosts: Names without ports that are this machine's. (): any.
    """

    def __init__(self, app: Any, hosts: Sequence[str]):
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        with suppress(ValueError):
            known = not self.hosts or urlsplit(f"//{host}").hostname in self.hosts
            if known and (origin is None or urlsplit(origin).netloc == host):
                await self.app(scope, receive, with_policy(send))
                return
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"this page answers itself alone"})


def with_policy(send: Any) -> Any:
    """`send` of ASGI, with POLICY in the head of each response."""

    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
        await send(message)

    return sending


def check_place(host: str, port: int | None) -> None:
    """Raises UserError where nothing can listen."""
    asked = f"--host={host}" + (f" --port={port}" if port else "")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        raise UserError(f"{asked}: {getattr(error, 'strerror', None) or brief(error)}; choose another") from None


def open_page(explorer: Explorer, host: str = HERE, port: int | None = None) -> Any:
    """Starts to listen. Returns the gradio.Blocks; `local_url` is the address, and `close()` ends it.

    Raises UserError where no port is free.
    """
    import gradio as gr
    from starlette.middleware import Middleware

    hosts = LOOPBACK if host in LOOPBACK else ()
    blocks = page(explorer)
    try:
        blocks.queue(api_open=False).launch(
            server_name=f"[{host}]" if ":" in host else host,
            server_port=port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            ssr_mode=False,
            mcp_server=False,
            footer_links=[],
            theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            css=CSS,
            app_kwargs={"middleware": [Middleware(OwnRequests, hosts=hosts)]},
        )
    except OSError as error:
        raise UserError(f"--host={host}: {brief(error)}; choose another --port") from None
    return blocks


# --- the program


def run(arguments: list[str]) -> None:
    """Does what the command line says, until Ctrl-C. Raises UserError for what cannot be."""
    values = parse(arguments, FLAGS, of_figures({flag.name for group in FLAGS.values() for flag in group}))
    if values is None:
        print(help_text(WHAT, FLAGS))
        return
    if values.port is not None and not 1 <= values.port <= 65535:
        raise UserError(f"--port={values.port}: from 1 to 65535")
    environment.check_backend()
    if not environment.installed("gradio"):
        raise UserError("explore.py needs Gradio, which is not installed: pip install gradio")
    check_place(values.host, values.port)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before it is imported: it would ask for its newest version
    blocks = open_page(Explorer(values.network), values.host, values.port)
    print(f"{blocks.local_url} shows it; Ctrl-C ends it", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()
    finally:
        blocks.close(verbose=False)


def main() -> int:
    return exit_code(lambda: run(sys.argv[1:]))
