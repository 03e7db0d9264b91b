"""The page of explore.py in a browser: what a user does there. The pictures: test_programs_explore.py."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylegan_tf.programs import figures

ROOT = Path(__file__).parents[2]
SCREENSHOT = os.environ.get("SCREENSHOT")  # file that a picture of the page is written to
PATIENCE = 120  # seconds, for a machine that is busy

pytestmark = pytest.mark.slow
pytest.importorskip("gradio", reason="pip install gradio: the page is made with it")
webdriver = pytest.importorskip("selenium.webdriver", reason="pip install selenium: it drives the browser")
exceptions = pytest.importorskip("selenium.common.exceptions")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (BROWSER and DRIVER):
    pytest.skip("no chromium and chromedriver (apt install chromium chromium-driver)", allow_module_level=True)


@pytest.fixture(scope="module")
def address():
    """Where the page of the network that comes along is, while the tests run."""
    command = [sys.executable, ROOT / "explore.py", "--network=faces"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            yield process.stdout.readline().split()[0]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0


class Window:
    """A browser of its own, with the page in it."""

    def __init__(self, address: str, downloads: Path):
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1080"):
            options.add_argument(flag)
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        self.driver.get(address)
        self.until(lambda: self.picture() and self.command())

    def until(self, there):
        """What `there` returns once it is something, and calls meanwhile do not fail."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if found := there():
                    return found
            except exceptions.WebDriverException:
                pass  # what is looked for is not there yet, or is being made anew
            time.sleep(0.2)
        raise AssertionError(f"the page stays at: {self.command()} {self.driver.get_log('browser')}")

    def find(self, css: str):
        return self.driver.find_element("css selector", css)

    def picture(self) -> str:
        return self.find("#picture img").get_attribute("src")

    def command(self) -> str:
        return self.find("#command textarea").get_property("value")

    def option(self, text: str):
        """What can be chosen of the list that is open, by its text."""
        options = self.driver.find_elements("css selector", "[data-testid=dropdown-option]")
        return next((each for each in options if text in each.text.split()), None)

    def type(self, css: str, text: str, flag: str) -> None:
        """Puts a text in place of what a field has, and waits for another command and picture."""
        before = self.picture()
        field = self.until(lambda: self.find(css))
        field.send_keys(webdriver.Keys.CONTROL + "a")
        field.send_keys(text + webdriver.Keys.ENTER)
        self.until(lambda: f" {flag} " in self.command() and self.picture() != before)


@pytest.fixture
def windows(address, tmp_path):
    """Two browsers at once."""
    opened = []
    try:
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            opened.append(Window(address, tmp_path / name))
        yield opened
    finally:
        for window in opened:
            window.driver.quit()


def test_sliders_pictures_files_and_windows(windows, tmp_path, monkeypatch):
    one, other = windows
    at_first, command = other.picture(), other.command()
    assert one.picture() == at_first
    one.type("#seed input", "17", "--seeds=17")
    one.type("input[aria-label='number input for Truncation: psi']", "0.5", "--psi=0.5")
    slider = one.find("input[aria-label='range slider for Truncation: psi']")
    slider.send_keys(webdriver.Keys.ARROW_RIGHT)
    one.until(lambda: " --psi=0.55 " in one.command())
    for name in ("smiling", "sefa0"):
        one.find("#directions input").send_keys(name + webdriver.Keys.ENTER)
        one.until(lambda name=name: f" --direction={name} " in one.command())
    one.type("input[aria-label='number input for smiling']", "2.5", "--strength=2.5,0")
    one.type("input[aria-label='number input for sefa0']", "0.5", "--strength=2.5,0.5")
    one.find("#mix_layers input").click()
    one.until(lambda: one.option("fine")).click()
    one.until(lambda: " --mix_layers=fine " in one.command())
    assert (other.picture(), other.command()) == (at_first, command)  # each window has a state of its own
    field = other.find("#seed input")
    field.send_keys(webdriver.Keys.CONTROL + "a")
    field.send_keys("-1")
    other.until(lambda: "--seeds=-1" in other.find("#mistake").text)
    assert other.picture() == at_first
    field.send_keys(webdriver.Keys.BACKSPACE, webdriver.Keys.BACKSPACE, "8")
    other.until(lambda: " --seeds=8 " in other.command() and not other.find("#mistake").text)
    one.find("#save").click()
    saved = one.until(lambda: next((tmp_path / "one").glob("*.png"), None))
    monkeypatch.chdir(tmp_path)
    python, program, *arguments = shlex.split(one.command())
    assert (python, program) == ("python", "generate.py")
    figures.run(arguments)
    (made,) = tmp_path.glob("explored/*/*.png")
    with Image.open(saved) as left, Image.open(made) as right:
        assert np.array_equal(np.asarray(left), np.asarray(right))
        assert left.text["command"] == one.command()
    assert [entry for entry in one.driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    if SCREENSHOT:
        one.driver.set_window_size(1280, 1340)
        one.driver.save_screenshot(SCREENSHOT)


def test_requests_of_other_sites_are_not_answered(address):
    def status(**headers):
        try:
            return urllib.request.urlopen(urllib.request.Request(address, headers=headers)).status
        except urllib.error.HTTPError as error:
            return error.code

    assert status() == 200 and status(Origin=address.rstrip("/")) == 200
    assert status(Host="example.org") == 403  # a name that somebody pointed at this machine
    assert status(Origin="http://example.org") == 403 and status(Origin="null") == 403
