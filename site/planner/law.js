"use strict";
// The laws and the FLOP count of scalinglib (laws/, flops.py), for the browser.
// tests/test_planner.py holds them to the library. Losses in nats per token, log space throughout.

const Law = (() => {
  const LARGEST = 60; // exp of minus that is nothing beside a loss

  const logAddExp = (a, b) => {
    if (a < b) [a, b] = [b, a];
    return b === -Infinity ? a : a + Math.log1p(Math.exp(b - a));
  };
  /** u^power, as the argument of an exponential that fades. */
  const fading = (logU, power) => Math.exp(Math.min(power * logU, Math.log(LARGEST)));

  /** Bias b, variance v and the power mean of b and t (laws.forms.BiasVariance), logs but the mean's. */
  function biasVariance(c, gamma, t, size, data) {
    const g = gamma * logAddExp(size, data), b = gamma * logAddExp(size, data + Math.log(c.s));
    const left = Math.log(Math.max(-Math.expm1(b - g), 1e-12));
    const v = g + left - fading(t - g - Math.log(c.kappa), c.p);
    const powers = logAddExp(c.k * b, c.k * t);
    return { v, mean: Math.exp(powers / c.k), share: Math.exp(c.k * t - powers) };
  }
  function bias_variance(c, gamma, t, size, data) {
    const { v, mean } = biasVariance(c, gamma, t, size, data);
    return mean + Math.exp(v) + 2 * c.rho * Math.exp((t + v) / 2);
  }

  // The forms that an ensemble has: L_S - E from logs of t = L_T - E and of the two terms of g's bracket; c are the coefficients.
  const ABOVE = {
    bias_variance,
    orthogonal: bias_variance,
    floor_kept(c, gamma, t, size, data) {
      const { v, mean, share } = biasVariance(c, gamma, t, size, data);
      const [teacher, variance] = [Math.exp(t), Math.exp(v)], kept = 4 * c.rho ** 2 * teacher;
      const cross = -variance * Math.sqrt(kept / (variance + kept + 1e-12)) * (1 - share)
        + 2 * c.rho * Math.sqrt(teacher * variance + 1e-20) * share;
      return mean + variance + cross;
    },
    data_dip(c, gamma, t, size, data) {
      const bracket = logAddExp(size, data), g = gamma * bracket;
      const mean = Math.exp(logAddExp(c.k * g, c.k * t) / c.k);
      return mean + c.r * Math.exp(data - bracket + t - fading(t - g, 1));
    },
  };

  /** Tokens, or parameters, in fresh ones' worth, where only so many are fresh (laws.repeated). */
  const worth = (all, fresh, most) =>
    fresh * (1 - most * Math.expm1(-Math.max(all / fresh - 1, 0) / most));

  /** Forward FLOPs per token of a model of fixed aspect ratio (Equation 58). */
  function counter({ omega, aspectRatio, context, vocabulary }) {
    return (params) => {
      const layers = Math.cbrt(params / (omega * aspectRatio ** 2));
      const width = aspectRatio * layers;
      return 2 * params + 2 * layers * context * width + 2 * vocabulary * width;
    };
  }

  /** A law from its form, its coefficients and its supervised law's. */
  function create({ form, supervised: s, coefficients: c }, flops) {
    const [logSizeA, logDataB, logE] = [s.A, s.B, s.E].map(Math.log);

    function logSupervised(logParams, logTokens) {
      const size = logSizeA - s.alpha * logParams, data = logDataB - s.beta * logTokens;
      return logAddExp(logE, s.gamma * logAddExp(size, data));
    }

    /** L(N, D), Equation 1. */
    function supervisedLoss(params, tokens) {
      return Math.exp(logSupervised(Math.log(params), Math.log(tokens)));
    }

    /** The same of tokens that are read again, of a model that may be too large for them. */
    function repeatedLoss(params, tokens, unique, tokensWorth, sizeWorth) {
      const sizes = (s.alpha * s.A) / (s.beta * s.B) * unique ** s.beta;
      const fitting = Math.min(params, sizes ** (1 / s.alpha));
      return supervisedLoss(worth(params, fitting, sizeWorth), worth(tokens, unique, tokensWorth));
    }

    function equation8(params, tokens, teacherLoss) {
      const [n, t, l] = [Math.log(params), Math.log(tokens), Math.log(teacherLoss)];
      const power = logAddExp(Math.log(c.A) - c.alpha * n, Math.log(c.B) - c.beta * t);
      const ratio = (l - logSupervised(n, t) - Math.log(c.d1)) / c.f1;
      const gap = -c.c0 * l - c.c1 * c.f1 * logAddExp(0, ratio);
      return Math.exp(logAddExp(l, gap + c.gamma * power));
    }

    function otherForm(params, tokens, teacherLoss) {
      const size = logSizeA - s.alpha * Math.log(params);
      const data = "D0" in c ? logDataB - s.beta * Math.log(tokens + c.D0)
        : Math.log(c.B) - c.beta * Math.log(tokens);
      const t = Math.log(Math.max(teacherLoss - s.E, 1e-12));
      return s.E + ABOVE[form](c, s.gamma, t, size, data);
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

    /** L_S(N_S, D_S, L_T): Equation 8, or another form. */
    const studentLoss = form === "equation8" ? equation8 : otherForm;
    return {
      forwardFlops: counter(flops), supervisedLoss, repeatedLoss, studentLoss, tokensForLoss, paramsForLoss,
      irreducible: s.E,
    };
  }

  /** The law for other text or another tokenizer: every loss is factor × the law's + offset. */
  function shift(law, { factor, offset }) {
    const there = (loss) => factor * loss + offset;
    const back = (loss) => Math.max((loss - offset) / factor, 1e-12);
    return {
      forwardFlops: law.forwardFlops,
      supervisedLoss: (params, tokens) => there(law.supervisedLoss(params, tokens)),
      studentLoss: (params, tokens, loss) => there(law.studentLoss(params, tokens, back(loss))),
      tokensForLoss: (params, loss) => law.tokensForLoss(params, back(loss)),
      paramsForLoss: (tokens, loss) => law.paramsForLoss(tokens, back(loss)),
      irreducible: there(law.irreducible),
    };
  }

  /** A law moved through one measured model, in the two ways that it cannot tell apart. */
  function shifts(law, { params, tokens, loss }) {
    const expected = law.supervisedLoss(params, tokens);
    return [{ factor: 1, offset: loss - expected }, { factor: loss / expected, offset: 0 }]
      .map((how) => shift(law, how));
  }

  return { create, shifts, worth };
})();
