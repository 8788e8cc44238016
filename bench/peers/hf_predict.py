"""Hugging Face transformers predicting on the CPU: fast tokenizer, batches padded to their longest text."""

import torch
import transformers
from measure import seconds
from serve import serve, settings
from transformers import AutoModelForSequenceClassification, AutoTokenizer

transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(settings["threads"])
torch.set_num_interop_threads(1)
tokenizer = AutoTokenizer.from_pretrained(settings["model"])
model = AutoModelForSequenceClassification.from_pretrained(settings["model"]).eval()


@torch.inference_mode()
def run(texts):
    inputs = tokenizer(
        texts, padding=True, truncation=True, max_length=settings["maxLength"], return_tensors="pt"
    )
    return model(**inputs).logits


def run_all(texts):
    size = settings["batchSize"]
    return [run(texts[start : start + size]) for start in range(0, len(texts), size)]


serve(
    {"versions": {"torch": torch.__version__, "transformers": transformers.__version__}},
    logits=lambda asked: {"logits": torch.cat(run_all(asked["texts"])).tolist()},
    throughput=lambda asked: {"seconds": seconds(lambda: run_all(asked["texts"]))},
    latency=lambda asked: {"milliseconds": [1000 * seconds(lambda: run([text])) for text in asked["texts"]]},
)
