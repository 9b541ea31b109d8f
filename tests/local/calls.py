"""The calls that the tests make on the stand-in, with the real SDK and over plain HTTP."""

import base64
import io
import json
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

from google import genai
from google.genai import types
from PIL import Image

MODEL = "veo-3.1-fast-generate-001"
OMNI = "gemini-omni-1.2-flash"
MEMBERS = ("seen", "camera_move", "video_prompt", "warning")
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in MEMBERS},
    "required": list(MEMBERS),
}


def connect(standin, **options):
    once = types.HttpRetryOptions(attempts=1)
    http = types.HttpOptions(base_url=standin.url, timeout=10_000, retry_options=once)
    return genai.Client(**{"enterprise": True, "api_key": "local", "http_options": http, **options})


def jpeg(colour=None, size=(1280, 720)):
    shade = Image.linear_gradient("L").resize(size)
    image = Image.merge("RGB", (shade, shade.rotate(180), shade.rotate(90).resize(size)))
    if colour:
        image = Image.new("RGB", size, colour)
    content = io.BytesIO()
    image.save(content, "JPEG")
    return content.getvalue()


def analyse(client, picture=None, wish="a calm morning", model="gemini-3.8-flash", **changes):
    config = {
        "system_instruction": "You write prompts for image-to-video models. " * 12,
        "response_mime_type": "application/json",
        "response_json_schema": SCHEMA,
        "media_resolution": "MEDIA_RESOLUTION_LOW",
        "thinking_config": types.ThinkingConfig(thinking_level="LOW"),
        "max_output_tokens": 1024,
    }
    part = types.Part.from_bytes(data=picture or jpeg(), mime_type="image/jpeg")
    return client.models.generate_content(
        model=model, contents=[part, f"Wish: {wish}"], config={**config, **changes}
    )


def submit(client, picture=None, model=MODEL, mime_type="image/jpeg", **changes):
    config = {"duration_seconds": 4, "aspect_ratio": "16:9", "resolution": "720p", **changes}
    image = types.Image(image_bytes=picture or jpeg(), mime_type=mime_type)
    source = types.GenerateVideosSource(prompt="A slow pan", image=image)
    return client.models.generate_videos(
        model=model, source=source, config=types.GenerateVideosConfig(number_of_videos=1, **config)
    )


def poll(client, operation):
    return client.operations.get(types.GenerateVideosOperation(name=operation.name))


def finish(client, operation):
    deadline = time.monotonic() + 30
    while not operation.done and time.monotonic() < deadline:
        time.sleep(0.05)
        operation = poll(client, operation)
    return operation


def words(picture=None):
    """The input of an interaction: a picture and a sentence."""
    data = base64.b64encode(picture or jpeg()).decode()
    return [
        {"type": "image", "mime_type": "image/jpeg", "data": data},
        {"type": "text", "text": "A slow pan"},
    ]


def create(client, model=OMNI, given=None, background=True, **changes):
    usual = {"aspect_ratio": "16:9", "resolution": "360p", "duration": "3s", "delivery": "uri"}
    return client.interactions.create(
        model=model,
        input=words() if given is None else given,
        background=background,
        store=True,
        generation_config={"video_config": {"task": "image_to_video"}},
        response_format={"type": "video", **usual, **changes},
    )


def see(client, interaction):
    deadline = time.monotonic() + 30
    while interaction.status == "in_progress" and time.monotonic() < deadline:
        time.sleep(0.05)
        interaction = client.interactions.get(interaction.id)
    return interaction


def failure(call, *arguments):
    """The exception with which a call ends; None when it ends well."""
    try:
        call(*arguments)
    except Exception as error:
        return error
    return None


def control(standin, what, content=None):
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(f"{standin.url}/_control/{what}", data)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return SimpleNamespace(status=answer.status, text=answer.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return SimpleNamespace(status=refused.code, text=refused.read().decode())
