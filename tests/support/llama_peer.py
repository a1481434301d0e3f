"""llama.cpp through the low-level API of llama-cpp-python: the peer with which scripts/check.sh and scripts/bench.sh compare Baton."""
import ctypes
import os
import time

import llama_cpp
import numpy


@llama_cpp.llama_log_callback
def _silent(_level, _text, _data):
    pass


llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))

FLASH = {False: llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED, True: llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED}


class Peer:
    """One model with one context. Not thread-safe; close() frees both."""

    def __init__(self, path, n_ctx, threads=None, flash=True):
        threads = threads or os.cpu_count()
        started = time.perf_counter()
        model_params = llama_cpp.llama_model_default_params()
        model_params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = n_ctx
        params.n_batch = params.n_ubatch = 512
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = FLASH[flash]
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        if not self.context:
            raise RuntimeError(f"llama.cpp cannot make a context of {n_ctx} tokens for {path}")
        self.ready_seconds = time.perf_counter() - started
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)
        self.n_vocab = llama_cpp.llama_vocab_n_tokens(self.vocab)

    def close(self):
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)

    def tokenize(self, text):
        data = text.encode()
        ids = (llama_cpp.llama_token * (len(data) + 8))()
        n = llama_cpp.llama_tokenize(self.vocab, data, len(data), ids, len(ids), False, False)
        return list(ids[:n])

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def decode(self, tokens, first, all_logits=False):
        """Runs `tokens` at positions first, first + 1, ...; logits of the last one, or of all."""
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = first + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = all_logits or i + 1 == len(tokens)
        status = llama_cpp.llama_decode(self.context, batch)
        llama_cpp.llama_batch_free(batch)
        if status:
            raise RuntimeError(f"llama_decode returned {status}")

    def logits(self, row=-1):
        pointer = llama_cpp.llama_get_logits_ith(self.context, row)
        return numpy.ctypeslib.as_array(pointer, shape=(self.n_vocab,))

    def all_logits(self, tokens, chunk=256):
        """(first position, rows) chunk by chunk; the rows are copies, (n, n_vocab) float32."""
        self.clear()
        for first in range(0, len(tokens), chunk):
            part = tokens[first:first + chunk]
            self.decode(part, first, all_logits=True)
            yield first, numpy.stack([self.logits(i) for i in range(len(part))])

    def timed(self, n_prefill, n_decode):
        """(prefill, decode) in tokens a second, greedy without any Python in the sampling but one argmax."""
        self.clear()
        tokens = [(i * 977 + 13) % self.n_vocab for i in range(n_prefill)]
        started = time.perf_counter()
        for first in range(0, n_prefill, 512):
            self.decode(tokens[first:first + 512], first)
        token = int(self.logits().argmax())
        prefill = time.perf_counter() - started
        decode = 0.0
        for i in range(n_decode):
            started = time.perf_counter()
            self.decode([token], n_prefill + i)
            row = self.logits()  # waits for the computation
            decode += time.perf_counter() - started
            token = int(row.argmax())
        return n_prefill / prefill, n_decode / decode
