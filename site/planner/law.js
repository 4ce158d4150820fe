"use strict";
// The two laws and the FLOP count of scalinglib (laws.py, flops.py), for the browser.
// tests/test_planner.py holds them to the library. Losses in nats per token, log space throughout.

const Law = (() => {
  const logAddExp = (a, b) => {
    if (a < b) [a, b] = [b, a];
    return b === -Infinity ? a : a + Math.log1p(Math.exp(b - a));
  };

  /** The law with the coefficients that Python wrote into coefficients.js. */
  function create({ supervised: s, distillation: d, flops }) {
    const omega = flops.omega * flops.aspectRatio ** 2;

    /** Forward FLOPs per token of a model of fixed aspect ratio (Equation 58). */
    function forwardFlops(params) {
      const layers = Math.cbrt(params / omega);
      const width = flops.aspectRatio * layers;
      return 2 * params + 2 * layers * flops.context * width + 2 * flops.vocabulary * width;
    }

    function logSupervised(logParams, logTokens) {
      const size = Math.log(s.A) - s.alpha * logParams;
      const data = Math.log(s.B) - s.beta * logTokens;
      return logAddExp(Math.log(s.E), s.gamma * logAddExp(size, data));
    }

    /** L(N, D), Equation 1. */
    function supervisedLoss(params, tokens) {
      return Math.exp(logSupervised(Math.log(params), Math.log(tokens)));
    }

    /** L_S(N_S, D_S, L_T), Equation 8. */
    function studentLoss(params, tokens, teacherLoss) {
      const [n, t, l] = [Math.log(params), Math.log(tokens), Math.log(teacherLoss)];
      const power = logAddExp(Math.log(d.A) - d.alpha * n, Math.log(d.B) - d.beta * t);
      const ratio = (l - logSupervised(n, t) - Math.log(d.d1)) / d.f1;
      const gap = -d.c0 * l - d.c1 * d.f1 * logAddExp(0, ratio);
      return Math.exp(logAddExp(l, gap + d.gamma * power));
    }

    /** Tokens on which a model of this size reaches the loss; Infinity where none suffice. */
    function tokensForLoss(params, loss) {
      const left = Math.max(loss - s.E, 0) ** (1 / s.gamma) - s.A / params ** s.alpha;
      return left > 0 ? (s.B / left) ** (1 / s.beta) : Infinity;
    }

    /** Parameters with which a model trained on these tokens reaches the loss; or Infinity. */
    function paramsForLoss(tokens, loss) {
      const left = Math.max(loss - s.E, 0) ** (1 / s.gamma) - s.B / tokens ** s.beta;
      return left > 0 ? (s.A / left) ** (1 / s.alpha) : Infinity;
    }

    const irreducible = s.E;
    return {
      forwardFlops, supervisedLoss, studentLoss, tokensForLoss, paramsForLoss, irreducible,
    };
  }

  return { create };
})();
